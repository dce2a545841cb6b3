SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName IN (
    'access_token.token_leaked',
    'service_token.token_leaked',
    'database_branch_password.password_leaked'
  )
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
