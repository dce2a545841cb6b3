SELECT
  sourceID,
  psActorType AS actorType,
  psActorId AS actorId,
  srcASCountryCode AS country,
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
  AND psActorId != ''
  AND srcASCountryCode != ''
  AND (sourceID, psActorType, psActorId) IN (
    SELECT sourceID, psActorType, psActorId
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND (eventTime < {from:DateTime} - toIntervalDay(1) OR receivedAt < {from:DateTime})
      AND srcASCountryCode != ''
  )
  AND (sourceID, psActorType, psActorId, srcASCountryCode) NOT IN (
    SELECT sourceID, psActorType, psActorId, srcASCountryCode
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND (eventTime < {from:DateTime} - toIntervalDay(1) OR receivedAt < {from:DateTime})
  )
GROUP BY sourceID, actorType, actorId, country
