SELECT
  sourceID,
  psActorType AS actorType,
  psActorId AS actorId,
  any(psActorDisplayName) AS actorName,
  any(actor) AS actor,
  round(max(meters) / 1000) AS distance,
  min(firstInTime) AS firstSeen,
  max(eventTime) AS lastSeen,
  arraySort(groupUniqArrayArray(visitedInTime)) AS visited,
  arraySort(groupUniqArrayArray(addressesInTime)) AS addresses,
  arraySort(groupUniqArrayArray(actionsInTime)) AS actions
FROM (
  SELECT
    *,
    arrayMax(
      arrayMap(
        place -> if(
          isNew OR place.3,
          geoDistance(place.1, place.2, srcLongitude, srcLatitude),
          0
        ),
        placesInTime
      )
    ) AS meters
  FROM (
    SELECT
      *,
      groupUniqArray((srcLongitude, srcLatitude, isNew)) OVER recent AS placesInTime,
      min(eventTime) OVER recent AS firstInTime,
      groupUniqArray((srcASCountryCode, srcCity)) OVER recent AS visitedInTime,
      groupUniqArray(srcIP) OVER recent AS addressesInTime,
      groupUniqArray(eventName) OVER recent AS actionsInTime
    FROM (
      SELECT *, receivedAt >= {from:DateTime} AS isNew
      FROM runreveal.planetscale_logs
      WHERE eventTime >= {from:DateTime} - toIntervalHour(25)
        AND receivedAt < {to:DateTime}
        AND psActorId != ''
        AND (srcLatitude != 0 OR srcLongitude != 0)
      ORDER BY receivedAt
      LIMIT 1 BY eventID
    )
    WINDOW recent AS (
      PARTITION BY sourceID, psActorType, psActorId
      ORDER BY toUnixTimestamp(eventTime)
      RANGE BETWEEN 3600 PRECEDING AND CURRENT ROW
    )
  )
)
WHERE meters >= 1000. * {kilometers:UInt32}
GROUP BY sourceID, actorType, actorId
