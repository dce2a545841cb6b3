WITH
  deletions AS (
    SELECT *, arrayJoin([psActorId, psActorDisplayName]) AS person
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32} + 1)
      AND receivedAt < {to:DateTime}
      AND eventName IN (
        'database.deleted',
        'database.requested_deletion',
        'database_branch_keyspace.deleted',
        'database_branch_keyspace.requested_deletion'
      )
    ORDER BY receivedAt
    LIMIT 1 BY psId, person
  ),
  removals AS (
    SELECT
      *,
      eventName = 'organization.left' AS isOfActor,
      (isOfActor AND psActorId != '')
        OR (psAuditableType IN ('User', 'ServiceToken') AND psAuditableId != '')
        OR (psTargetType IN ('User', 'ServiceToken') AND psTargetId != '') AS hasIdOfPerson,
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
      AND eventName IN ('organization.left', 'organization.removed_member', 'service_token.deleted', 'user.deleted')
    ORDER BY receivedAt
    LIMIT 1 BY psId, person
  )
SELECT
  deletions.sourceID AS sourceID,
  deletions.psActorId AS actorId,
  any(deletions.psActorDisplayName) AS actorName,
  any(deletions.actor) AS actor,
  arraySort(groupUniqArray((deletions.eventTime, deletions.eventName, deletions.psAuditableDisplayName))) AS deleted,
  min(removals.eventTime) AS removedAt,
  any(removals.eventName) AS removal,
  any(removals.psActorDisplayName) AS removedBy,
  any(removals.srcIP) AS srcIP
FROM deletions
INNER JOIN removals ON deletions.sourceID = removals.sourceID AND deletions.person = removals.person
WHERE deletions.person != ''
  AND removals.eventTime >= deletions.eventTime
  AND removals.eventTime <= deletions.eventTime + toIntervalDay({days:UInt32})
  AND greatest(deletions.receivedAt, removals.receivedAt) >= {from:DateTime}
GROUP BY sourceID, actorId
