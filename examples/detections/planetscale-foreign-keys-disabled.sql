SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName = 'database_branch.disabled_foreign_keys'
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
