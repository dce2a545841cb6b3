SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName IN (
    'organization.added_member',
    'organization_invitation.created',
    'organization_membership.created'
  )
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
