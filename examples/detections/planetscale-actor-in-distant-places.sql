WITH places AS (
  SELECT *
  FROM runreveal.planetscale_logs
  WHERE receivedAt >= {from:DateTime} - toIntervalHour(2)
    AND receivedAt < {to:DateTime}
    AND psActorId != ''
    AND (srcLatitude != 0 OR srcLongitude != 0)
  ORDER BY receivedAt
  LIMIT 1 BY psActorType, psActorId, srcLatitude, srcLongitude, toStartOfMinute(eventTime)
)
SELECT
  earlier.psActorType AS actorType,
  earlier.psActorId AS actorId,
  any(earlier.psActorDisplayName) AS actorName,
  any(earlier.actor) AS actor,
  round(max(geoDistance(earlier.srcLongitude, earlier.srcLatitude, later.srcLongitude, later.srcLatitude)) / 1000) AS distance,
  min(earlier.eventTime) AS firstSeen,
  max(later.eventTime) AS lastSeen,
  arraySort(arrayDistinct(groupArrayArray([(earlier.srcASCountryCode, earlier.srcCity), (later.srcASCountryCode, later.srcCity)]))) AS visited,
  arraySort(arrayDistinct(groupArrayArray([earlier.srcIP, later.srcIP]))) AS addresses,
  arraySort(arrayDistinct(groupArrayArray([earlier.eventName, later.eventName]))) AS actions
FROM places AS earlier
INNER JOIN places AS later ON earlier.psActorType = later.psActorType AND earlier.psActorId = later.psActorId
WHERE later.eventTime >= earlier.eventTime
  AND later.eventTime <= earlier.eventTime + toIntervalHour(1)
  AND geoDistance(earlier.srcLongitude, earlier.srcLatitude, later.srcLongitude, later.srcLatitude) >= 1000. * {kilometers:UInt32}
  AND greatest(earlier.receivedAt, later.receivedAt) >= {from:DateTime}
GROUP BY actorType, actorId
