SELECT *
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventName IN (
    'organization.disabled_sso',
    'organization.disabled_sso_directory'
  )
ORDER BY receivedAt, eventTime
LIMIT 1 BY eventID
