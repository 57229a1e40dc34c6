/*
 * The options of a model: names, defaults and bounds stand once, in options.c.
 */
#ifndef EASQ_OPTIONS_H
#define EASQ_OPTIONS_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "core/step.h"

/* A feature that features given as jsonb have no key for. */
typedef enum EasqMissing
{
	EASQ_MISSING_ERROR,
	EASQ_MISSING_NULL
} EasqMissing;

typedef struct EasqOptions
{
	/* shape, fixed when the model is created */
	int			hidden;
	int			expert_hidden;
	int			experts;
	int			satisfaction_experts;
	int			rank;
	int			factors;		/* numbers of a feature's vector in the factorisation; 0: none */
	int64		seed;
	/* learning, changed by easq_configure */
	EasqHyper	hyper;			/* alpha, learning_rate, lambda1, lambda2, beta, max_grad_norm, alignment, pairwise, anchor */
	int			pairs_per_answer;
	int			replayed_answers;	/* remembered answers that a step learns again for each new one */
	int			behaviour_pairs;
	EasqRehearsal rehearsal;
	int			replay_answers;
	int			replay_behaviour;
	double		behaviour_budget;	/* most that alignment may cost behaviour (G of core/budget.h); 1: no budget */
	double		satisfied;		/* an answer of at least this counts as satisfied for easq_probability */
	int			answers_per_respondent; /* remembered; 0: no limit */
	double		cross_weight;	/* of pairs of two respondents */
	bool		beliefs;		/* are values counted beside the pathways? */
	double		half_life;		/* seconds in which the weight of an answer halves; 0: never */
	int			warm_up;		/* answers before alignment starts */
	EasqMissing missing;
} EasqOptions;

/* All at their defaults. */
extern void EasqOptionsInit(EasqOptions *options);

/*
 * Applies given over *options.  ERROR 22023 on an unknown name (the hint lists
 * the names), a wrong type or a value out of bounds (message has the value
 * and the bounds).  creating false: the shape options are refused with 0A000
 * and a hint to create another model.
 */
extern void EasqOptionsApply(EasqOptions *options, Jsonb *given, bool creating);

/* The complete set as jsonb, as easq.model stores and easq_export writes it. */
extern Jsonb *EasqOptionsToJsonb(const EasqOptions *options);

/*
 * The same mechanism for the options of a single call (easq_train, easq_learn, ...): a table of
 * { name, type, default, minimum, maximum, offset in the caller's struct }.
 */
typedef enum EasqOptionType
{
	EASQ_OPTION_BOOL,			/* bool */
	EASQ_OPTION_INT,			/* int */
	EASQ_OPTION_INT64,			/* int64 */
	EASQ_OPTION_REAL,			/* double */
	EASQ_OPTION_SECONDS,		/* double; a number, or a string that is an interval */
	EASQ_OPTION_CHOICE,			/* int (enum), index into the NULL-terminated choices */
	EASQ_OPTION_TEXT			/* char *, default NULL; palloc'd in the current context */
} EasqOptionType;

typedef struct EasqOption
{
	const char *name;
	EasqOptionType type;
	double		initial;
	double		min;
	double		max;
	size_t		offset;
	const char *const *choices;
	bool		fixed;			/* only when a model is created */
} EasqOption;

/*
 * Options of a model that a training may be given for itself: an entry with the default and the place that
 * its table gives it.  The choices are the losses of core/loss.h.
 */
#define EASQ_OPTION_LEARNING_RATE(initial, offset) {"learning_rate", EASQ_OPTION_REAL, initial, 1e-9, 10, offset, NULL, false}
#define EASQ_OPTION_LAMBDA1(initial, offset) {"lambda1", EASQ_OPTION_REAL, initial, 0, 1e6, offset, NULL, false}
#define EASQ_OPTION_LAMBDA2(initial, offset) {"lambda2", EASQ_OPTION_REAL, initial, 0, 1e6, offset, NULL, false}
#define EASQ_OPTION_BETA(initial, offset) {"beta", EASQ_OPTION_REAL, initial, 1e-6, 1e6, offset, NULL, false}
#define EASQ_OPTION_ANCHOR(initial, offset) {"anchor", EASQ_OPTION_REAL, initial, 0, 1e6, offset, NULL, false}
#define EASQ_OPTION_MAX_GRAD_NORM(initial, offset) {"max_grad_norm", EASQ_OPTION_REAL, initial, 1e-9, 1e9, offset, NULL, false}
#define EASQ_OPTION_ALIGNMENT(initial, offset) {"alignment", EASQ_OPTION_CHOICE, initial, 0, 0, offset, EasqAlignmentNames, false}
#define EASQ_OPTION_PAIRWISE(initial, offset) {"pairwise", EASQ_OPTION_CHOICE, initial, 0, 0, offset, EasqPairwiseNames, false}
#define EASQ_OPTION_PAIRS_PER_ANSWER(initial, offset) {"pairs_per_answer", EASQ_OPTION_INT, initial, 1, 256, offset, NULL, false}

/* table ends with a NULL name.  what names the call in messages ("easq_train"). */
extern void EasqOptionTableInit(const EasqOption *table, void *options);
extern void EasqOptionTableApply(const EasqOption *table, void *options, Jsonb *given,
								 const char *what, bool creating);

#endif
