SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName = 'database_branch.disabled_safe_migrations'
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
