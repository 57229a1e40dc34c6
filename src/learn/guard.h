/*
 * The behaviour budget at work: each step is weakened, shortened or refused
 * before it costs behaviour more than the model's option behaviour_budget.
 *
 * Three lines of defence, from the cheapest to the surest.  Alignment loses
 * strength as G, judged on the whole gate sample every EASQ_GATE_STEPS steps and
 * whenever steps seem to add up, nears its limit.  A step that is worse on fresh pairs of the gate sample,
 * beyond doubt, than what is left, is shortened or refused.  And every
 * EASQ_AUDIT_STEPS steps another sample that no other decision looks at tells,
 * together with the gate sample, whether the bound of G holds: else main and LoRA go back to the last audit
 * that they passed.
 *
 * The satisfaction experts rank nothing: what they learn is kept in any case.
 *
 * Where answers are counted (option beliefs) the knob spends the budget, and gets more for it: main and LoRA stay as
 * training left them, and nothing of the above is needed but to see whether the satisfaction pathway lives.
 */
#ifndef EASQ_GUARD_H
#define EASQ_GUARD_H

#include "learn/judge.h"

#define EASQ_GATE_STEPS 16
#define EASQ_AUDIT_STEPS 64

typedef struct EasqGuard EasqGuard;

/* NULL where the model has no budget: option behaviour_budget 1, or training held nothing back.  In the current context. */
extern EasqGuard *EasqGuardCreate(EasqModel *model, EasqJudge *judge, const EasqHeld *gate);

/* Do main and LoRA stay as they are in every step? */
extern bool EasqGuardRankingRests(const EasqGuard *guard);

/* What is left of alignment's strength, 0 to 1: the factor on lambda2 and on the movement of LoRA. */
extern double EasqGuardStrength(const EasqGuard *guard);

/*
 * A step on trial, from (before, old) to (after, adam), made with this
 * strength.  Changes after and adam to what may be kept, and *strength with
 * them: less where the step was shortened, -1 where main and LoRA stay.
 * Returns NULL, or why nothing of it may be kept.
 */
extern const char *EasqGuardTry(EasqGuard *guard, const float *before, const EasqAdam *old,
								float *after, EasqAdam *adam, double *strength);

/* After a step, kept or refused: judges the whole gate sample in its turn, or sooner where steps seem to add up. */
extern void EasqGuardJudge(EasqGuard *guard, const float *weights, bool refused);

/*
 * Audits in its turn, after EasqGuardJudge.  Where the audit is not passed, what ranks in
 * weights and *adam goes back to an earlier version, a row of easq.step says so, and it returns true.
 */
extern bool EasqGuardAudit(EasqGuard *guard, float *weights, EasqAdam *adam, bool refused);

#endif
