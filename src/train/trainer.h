/*
 * A model's weights and optimiser while it is trained: both tiers and the
 * tables of embeddings and factors (see table.h), and one mini-batch at a time.
 *
 * A clipping group without any gradient stays as it is (the satisfaction
 * pathway and LoRA in a batch without answers).  Factors learn from behaviour
 * alone, and by their own order of it: neither the network's error, nor answers
 * nor alignment reach them, and the network learns as it would without them.
 * Where both learned the loss of their sum, factors, which are quicker, left
 * so little that the gates closed for good (Book-Crossing), and where only factors
 * learned what the network leaves, unseen rows were ranked worse: GAUC .767 there,
 * .777 each for itself.
 */
#ifndef EASQ_TRAINER_H
#define EASQ_TRAINER_H

#include "postgres.h"

#include "storage/buffile.h"

#include "core/step.h"
#include "feature/example.h"
#include "store/model.h"
#include "train/pairs.h"

typedef struct EasqTrainer EasqTrainer;

/*
 * What there is beside EasqHyper: how factors are trained, and what is learned for values that no training meets.
 * Without that, new items had the logits of those that are always passed over: the many rare ones lie near where all
 * embeddings start.
 */
typedef struct EasqTrainHyper
{
	double		value_dropout;	/* share of a batch's rows of behaviour that have one category hidden, as if it were NULL */
	double		factor_rate;	/* of Adam */
	double		factor_decay;	/* of vectors, for each time that a pair's row reads them, in the mean over pairs */
} EasqTrainHyper;

/*
 * Reads weights and moments under the active snapshot.  hyper as the call
 * wants it; mean and deviation [numerics] are what inputs are standardised by.
 * At most batch_pairs pairs of either kind in a batch.
 */
extern EasqTrainer *EasqTrainerCreate(const EasqModel *model, const EasqHyper *hyper,
									  const EasqTrainHyper *train_hyper,
									  const double *mean, const double *deviation, int batch_pairs);

/*
 * One step.  Fills metrics, norms included (that of main.* counts the backbone
 * and the embeddings, not the factors).  ERROR 22003 where a gradient is not finite.
 */
extern void EasqTrainerStep(EasqTrainer *trainer, const EasqTrainRow *rows,
							const EasqRowPair *answers, int answer_pairs,
							const EasqRowPair *behaviour, int behaviour_pairs, EasqMetrics *metrics);

/*
 * ERROR 22003 where a weight is not finite, or where a pathway has come to
 * score all rows alike without a gradient: it would do so for ever.
 */
extern void EasqTrainerCheck(const EasqTrainer *trainer);

/* Does any row of the last batch open a gate?  The backbone moves under a pathway that is not trained itself. */
extern bool EasqTrainerOpen(const EasqTrainer *trainer, EasqPathway pathway);

/*
 * Where losses are on logits nothing holds the logits' level, and a score
 * underflows far below 0: shifts the pathways' last biases so that logits of the last batch are 0 on average.
 */
extern void EasqTrainerCentre(EasqTrainer *trainer);

/* With value dropout: values that no training has met are taken for unknown ones from now on. */
extern void EasqTrainerSettle(EasqTrainer *trainer);

/* Adds to the first-order factor of a value: row of the feature's tables. */
extern void EasqTrainerShift(EasqTrainer *trainer, int feature, int64 row, double by);

/* Adam steps of the backbone so far, those of earlier trainings included. */
extern int64 EasqTrainerSteps(const EasqTrainer *trainer);

/* Multiplies the rates of Adam. */
extern void EasqTrainerSlowDown(EasqTrainer *trainer, double factor);

/* Everything that steps change, to the start of a file, and back. */
extern void EasqTrainerSave(EasqTrainer *trainer, BufFile *file);
extern void EasqTrainerLoad(EasqTrainer *trainer, BufFile *file);

/* The parts that the last write needs. */
extern const EasqEncoding *EasqTrainerEncoding(const EasqTrainer *trainer);
extern float *EasqTrainerWeights(EasqTrainer *trainer);
extern EasqAdam EasqTrainerAdapter(EasqTrainer *trainer);
/* Stores the backbone tier as model, which gets mean, deviation and step. */
extern void EasqTrainerWriteBackbone(EasqTrainer *trainer, EasqModel *model);

#endif
