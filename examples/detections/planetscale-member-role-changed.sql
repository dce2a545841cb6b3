SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName IN (
    'organization.updated_role',
    'organization_membership.updated_role'
  )
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
