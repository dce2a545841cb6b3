SELECT
  sourceID,
  psActorType AS actorType,
  psActorId AS actorId,
  any(psActorDisplayName) AS actorName,
  any(actor) AS actor,
  max(objectsInTime) AS deletedObjects,
  min(firstInTime) AS firstDeletion,
  max(eventTime) AS lastDeletion,
  arraySort(groupUniqArrayArray(actionsInTime)) AS actions,
  arraySort(groupUniqArrayArray(addressesInTime)) AS addresses
FROM (
  SELECT
    *,
    uniqExact(if(psAuditableId = '', ('', psId), (splitByChar('.', eventName)[1], psAuditableId))) OVER recent AS objectsInTime,
    min(eventTime) OVER recent AS firstInTime,
    groupUniqArray(eventName) OVER recent AS actionsInTime,
    groupUniqArray(srcIP) OVER recent AS addressesInTime,
    max(receivedAt) OVER recent AS lastReceived
  FROM (
    SELECT *
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalSecond({seconds:UInt32} + 86400)
      AND receivedAt < {to:DateTime}
      AND match(eventName, '\\.(deleted|requested_deletion)$')
      AND psActorId != ''
    ORDER BY receivedAt
    LIMIT 1 BY eventID
  )
  WINDOW recent AS (
    PARTITION BY sourceID, psActorType, psActorId
    ORDER BY toUnixTimestamp(eventTime)
    RANGE BETWEEN {seconds:UInt32} PRECEDING AND CURRENT ROW
  )
)
WHERE objectsInTime >= {threshold:UInt32}
  AND lastReceived >= {from:DateTime}
GROUP BY sourceID, actorType, actorId
