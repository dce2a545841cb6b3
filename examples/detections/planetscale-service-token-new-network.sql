SELECT
  sourceID,
  psActorId AS actorId,
  srcASNumber AS network,
  any(srcASOrganization) AS networkName,
  any(psActorDisplayName) AS actorName,
  any(actor) AS actor,
  min(eventTime) AS firstSeen,
  arraySort(groupUniqArray(eventName)) AS actions,
  arraySort(groupUniqArray(srcIP)) AS addresses,
  uniqExact(eventID) AS events
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventTime >= {from:DateTime} - toIntervalDay(1)
  AND psActorType = 'ServiceToken'
  AND psActorId != ''
  AND srcASNumber != 0
  AND (sourceID, psActorId) IN (
    SELECT sourceID, psActorId
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND (eventTime < {from:DateTime} - toIntervalDay(1) OR receivedAt < {from:DateTime})
      AND psActorType = 'ServiceToken'
      AND srcASNumber != 0
  )
  AND (sourceID, psActorId, srcASNumber) NOT IN (
    SELECT sourceID, psActorId, srcASNumber
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND (eventTime < {from:DateTime} - toIntervalDay(1) OR receivedAt < {from:DateTime})
      AND psActorType = 'ServiceToken'
  )
GROUP BY sourceID, actorId, network
