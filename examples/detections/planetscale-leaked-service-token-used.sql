WITH
  leaks AS (
    SELECT
      sourceID,
      eventTime,
      receivedAt,
      arrayJoin(
        [
          if(psAuditableId != '', psAuditableId, psAuditableDisplayName),
          if(psTargetId != '', psTargetId, psTargetDisplayName)
        ]
      ) AS token
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND eventName = 'service_token.token_leaked'
    ORDER BY receivedAt
    LIMIT 1 BY psId, token
  ),
  acts AS (
    SELECT *, arrayJoin([psActorId, psActorDisplayName]) AS token
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND psActorType = 'ServiceToken'
    ORDER BY receivedAt
    LIMIT 1 BY psId, token
  )
SELECT
  acts.sourceID AS sourceID,
  acts.psActorId AS tokenId,
  any(acts.psActorDisplayName) AS tokenName,
  any(acts.actor) AS actor,
  min(leaks.eventTime) AS leakedAt,
  min(acts.eventTime) AS firstUse,
  max(acts.eventTime) AS lastUse,
  arraySort(groupUniqArray(acts.eventName)) AS actions,
  arraySort(groupUniqArray(acts.srcIP)) AS addresses,
  uniqExact(acts.psId) AS events
FROM acts
INNER JOIN leaks ON acts.sourceID = leaks.sourceID AND acts.token = leaks.token
WHERE acts.token != ''
  AND acts.eventTime >= leaks.eventTime
  AND greatest(acts.receivedAt, leaks.receivedAt) >= {from:DateTime}
GROUP BY sourceID, tokenId
