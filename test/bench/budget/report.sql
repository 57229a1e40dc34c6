-- A run a row of means over seeds; judged is G as the extension believes it to be.
SELECT lambda2, budget, seeds, round(a0::numeric, 4) AS "A0", round(a::numeric, 4) AS "A", round(g::numeric, 4) AS "G", round(worst::numeric, 4) AS "worst G",
       round(bound::numeric, 4) AS "bound of G", round(judged::numeric, 4) AS judged, round(gain::numeric, 4) AS "gain, ranking",
       round(learned::numeric, 4) AS "gain, pathway", round(strength::numeric, 2) AS strength, shortened, reverted
FROM summary ORDER BY lambda2, budget;
