/*
 * Scores of rows whose values are known, by what is believed of the values beside the pathways:
 *
 *   satisfaction    softplus(z)                   z, V: EasqOpinion
 *   ranking         softplus(y + knob z)          y: main's logit
 */
#ifndef EASQ_RANKING_H
#define EASQ_RANKING_H

#include "store/cache_version.h"

/* Do scores of a pathway take more than its own logits? */
extern bool EasqRanksByBeliefs(const EasqVersion *version, EasqPathway pathway);

/* Completes opinions of [rows] (values and bias) by logits of both pathways. */
extern void EasqCompleteOpinions(const EasqVersion *version, int rows, const float *main, const float *satisfaction,
								 EasqOpinion *opinion);

extern void EasqScoresByBeliefs(const EasqVersion *version, EasqPathway pathway, int rows, const float *main,
								const EasqOpinion *opinion, float *score);

#endif
