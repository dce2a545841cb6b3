SELECT
  sourceID,
  eventName,
  min(eventTime) AS firstSeen,
  arraySort(groupUniqArray(psActorDisplayName)) AS actorNames,
  any(actor) AS actor,
  any(srcIP) AS srcIP,
  any(rawLog) AS rawLog,
  uniqExact(eventID) AS events
FROM runreveal.planetscale_logs
WHERE receivedAt >= {from:DateTime}
  AND receivedAt < {to:DateTime}
  AND eventTime >= {from:DateTime} - toIntervalDay(1)
  AND sourceID IN (
    SELECT sourceID
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND eventTime < {from:DateTime} - toIntervalDay(14)
      AND receivedAt < {to:DateTime}
  )
  AND (sourceID, eventName) NOT IN (
    SELECT sourceID, eventName
    FROM runreveal.planetscale_logs
    WHERE eventTime >= {from:DateTime} - toIntervalDay({days:UInt32})
      AND receivedAt < {to:DateTime}
      AND (eventTime < {from:DateTime} - toIntervalDay(1) OR receivedAt < {from:DateTime})
  )
GROUP BY sourceID, eventName
