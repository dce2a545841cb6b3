SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName = 'database_branch_password.updated_ip_restrictions'
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
