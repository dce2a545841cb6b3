SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName IN (
    'external_datasource.created',
    'integration.created'
  )
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
