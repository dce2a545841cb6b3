WITH
  changes AS (
    SELECT
      psId,
      eventName,
      eventTime,
      receivedAt,
      eventName IN ('organization.left', 'organization.removed_member', 'user.deleted') AS isRemoval,
      arrayJoin(
        arrayConcat(
          [psAuditableId, psAuditableDisplayName, psTargetId, psTargetDisplayName],
          if(eventName IN ('organization.joined', 'organization.left'), [psActorId, psActorDisplayName], [])
        )
      ) AS person
    FROM runreveal.planetscale_logs
    WHERE receivedAt >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND eventName IN (
        'organization.added_member',
        'organization.joined',
        'organization.left',
        'organization.removed_member',
        'organization_membership.created',
        'user.deleted'
      )
    ORDER BY receivedAt
    LIMIT 1 BY psId, person
  ),
  acts AS (
    SELECT *, arrayJoin([psActorId, psActorDisplayName]) AS person
    FROM runreveal.planetscale_logs
    WHERE receivedAt >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND psActorType = 'User'
      AND eventName NOT IN ('organization.joined', 'organization.left')
    ORDER BY receivedAt
    LIMIT 1 BY psId, person
  )
SELECT
  psActorId AS actorId,
  any(psActorDisplayName) AS actorName,
  any(actor) AS actor,
  min(removedAt) AS removedAt,
  arraySort(groupUniqArray(eventName)) AS actions,
  arraySort(groupUniqArray(srcIP)) AS addresses,
  uniqExact(psId) AS events
FROM (
  SELECT
    acts.psId AS psId,
    acts.person AS person,
    any(acts.psActorId) AS psActorId,
    any(acts.psActorDisplayName) AS psActorDisplayName,
    any(acts.actor) AS actor,
    any(acts.eventName) AS eventName,
    any(acts.srcIP) AS srcIP,
    argMax(changes.isRemoval, (changes.eventTime, NOT changes.isRemoval)) AS isRemoved,
    max(changes.eventTime) AS removedAt,
    max(greatest(acts.receivedAt, changes.receivedAt)) AS lastReceived
  FROM acts
  INNER JOIN changes ON acts.person = changes.person
  WHERE acts.person != ''
    AND changes.eventTime < acts.eventTime
  GROUP BY psId, person
)
WHERE isRemoved
  AND lastReceived >= {from:DateTime}
GROUP BY actorId
