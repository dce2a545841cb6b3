SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName IN (
    'service_token.created',
    'service_token.granted_access',
    'service_token.updated_bulk_database_access'
  )
  AND psActorType = 'ServiceToken'
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
