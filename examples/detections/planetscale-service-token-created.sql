SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName = 'service_token.created'
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
