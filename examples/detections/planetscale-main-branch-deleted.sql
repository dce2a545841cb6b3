SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName IN (
    'branch.deleted',
    'database_branch.deleted'
  )
  AND has({names:Array(String)}, lower(psAuditableDisplayName))
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
