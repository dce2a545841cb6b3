SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName IN (
    'database.deleted',
    'database.requested_deletion'
  )
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
