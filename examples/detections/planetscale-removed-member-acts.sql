WITH
  changes AS (
    SELECT
      sourceID,
      psId,
      eventTime,
      receivedAt,
      eventName IN ('organization.left', 'organization.removed_member', 'user.deleted') AS isRemoval,
      eventName IN ('organization.joined', 'organization.left') AS isOfActor,
      (isOfActor AND psActorId != '')
        OR (psAuditableType = 'User' AND psAuditableId != '')
        OR (psTargetType = 'User' AND psTargetId != '') AS hasIdOfPerson,
      arrayJoin(
        if(
          hasIdOfPerson,
          [psAuditableId, psTargetId, if(isOfActor, psActorId, '')],
          [psAuditableId, psTargetId, psAuditableDisplayName, psTargetDisplayName, if(isOfActor, psActorDisplayName, '')]
        )
      ) AS person
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
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
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND psActorType = 'User'
      AND eventName != 'organization.left'
    ORDER BY receivedAt
    LIMIT 1 BY psId, person
  )
SELECT
  sourceID,
  psActorId AS actorId,
  any(psActorDisplayName) AS actorName,
  any(actor) AS actor,
  min(removedAt) AS removedAt,
  arraySort(groupUniqArray(eventName)) AS actions,
  arraySort(groupUniqArray(srcIP)) AS addresses,
  uniqExact(psId) AS events
FROM (
  SELECT
    acts.sourceID AS sourceID,
    acts.psId AS psId,
    any(acts.psActorId) AS psActorId,
    any(acts.psActorDisplayName) AS psActorDisplayName,
    any(acts.actor) AS actor,
    any(acts.eventName) AS eventName,
    any(acts.srcIP) AS srcIP,
    argMax(changes.isRemoval, (changes.eventTime, NOT changes.isRemoval)) AS isRemoved,
    max(changes.eventTime) AS removedAt,
    max(greatest(acts.receivedAt, changes.receivedAt)) AS lastReceived
  FROM acts
  INNER JOIN changes ON acts.sourceID = changes.sourceID AND acts.person = changes.person
  WHERE acts.person != ''
    AND changes.eventTime + toIntervalSecond(if(changes.isRemoval, 60, 0)) <= acts.eventTime
  GROUP BY sourceID, psId
)
WHERE isRemoved
  AND lastReceived >= {from:DateTime}
GROUP BY sourceID, actorId
