SELECT
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
  AND psActorId != ''
  AND srcASCountryCode != ''
  AND (psActorType, psActorId) IN (
    SELECT psActorType, psActorId
    FROM runreveal.planetscale_logs
    WHERE receivedAt >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {from:DateTime}
      AND srcASCountryCode != ''
  )
  AND (psActorType, psActorId, srcASCountryCode) NOT IN (
    SELECT psActorType, psActorId, srcASCountryCode
    FROM runreveal.planetscale_logs
    WHERE receivedAt >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {from:DateTime}
  )
GROUP BY actorType, actorId, country
