SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName = 'backup_policy.deleted'
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
