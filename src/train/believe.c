#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "learn/judge.h"
#include "train/believe.h"

/* Welford's recurrence over logits. */
typedef struct Moments
{
	int64		count;
	double		mean;
	double		squares;
} Moments;

static void
add_logit(EasqJudge *judge, const char *example, int length, Moments *moments)
{
	float		logit;
	double		delta;

	if (!EasqJudgeLogit(judge, EASQ_MAIN, example, length, &logit) || !isfinite(logit))
		return;
	delta = logit - moments->mean;
	moments->mean += delta / (double) ++moments->count;
	moments->squares += delta * (logit - moments->mean);
}

static void
add_pair(EasqJudge *judge, const EasqPair *pair, Moments *moments)
{
	CHECK_FOR_INTERRUPTS();
	add_logit(judge, pair->chosen, pair->chosen_length, moments);
	add_logit(judge, pair->rejected, pair->rejected_length, moments);
}

void
EasqMeasureMain(EasqTrainer *trainer, const EasqModel *model, const EasqHold *hold, const EasqPairSample *sample,
				double *mean, double *deviation)
{
	EasqJudge  *judge = EasqJudgeCreate(model, EasqTrainerEncoding(trainer));
	const EasqHeld *gate = hold->any ? hold->sample[EASQ_GATE] : NULL;
	Moments		moments = {0};

	EasqJudgeWeights(judge, EasqTrainerWeights(trainer));
	for (int i = 0; gate && i < gate->count; i++)
		add_pair(judge, &gate->pair[i], &moments);
	for (int i = 0; gate == NULL && i < EasqSampleCount(sample); i++)
		add_pair(judge, &sample->pair[i].pair, &moments);
	*mean = moments.mean;
	*deviation = moments.count > 1 ? sqrt(moments.squares / (double) moments.count) : 1;
	if (!(*deviation > 0))
		*deviation = 1;
}

EasqBeliefs *
EasqTrainBeliefs(EasqTrainer *trainer, const EasqModel *model, EasqSpool *spool, double mean, double deviation,
				 EasqSurprise *surprise)
{
	const EasqEncoding *encoding = EasqTrainerEncoding(trainer);
	EasqBeliefs *beliefs = EasqBeliefsCreate(model->spec, &model->backbone.priors);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq beliefs of a training", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EasqJudge  *judge = EasqJudgeCreate(model, encoding);

	EasqSurpriseInit(surprise);
	EasqJudgeWeights(judge, EasqTrainerWeights(trainer));
	for (int chunk = 0; chunk < EasqSpoolChunks(spool); chunk++)
	{
		int			count;
		const EasqTrainRow *rows = EasqSpoolRead(spool, chunk, &count);

		for (int i = 0; i < count; i++)
		{
			float		main;

			CHECK_FOR_INTERRUPTS();
			if (!isnan(rows[i].answer) &&
				EasqJudgeLogit(judge, EASQ_MAIN, rows[i].example, rows[i].length, &main))
				EasqBeliefsLearn(beliefs, encoding, rows[i].example, EasqMainTerm(main, mean, deviation), NAN,
								 rows[i].answer >= model->options.satisfied, 1, surprise);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return beliefs;
}
