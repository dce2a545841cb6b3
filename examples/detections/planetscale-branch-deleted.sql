SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName IN (
    'branch.deleted',
    'database_branch.deleted',
    'database_branch_keyspace.deleted',
    'database_branch_keyspace.requested_deletion'
  )
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
