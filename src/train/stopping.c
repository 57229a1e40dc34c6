#include "postgres.h"

#include "commands/tablespace.h"
#include "storage/buffile.h"

#include "train/stopping.h"

#define SLOWER 0.5				/* the rates after an epoch that was no better: what hops about the best may come nearer */

struct EasqStopping
{
	EasqTrainer *trainer;
	int			patience;
	BufFile    *file;
	double		best;
	int			since;			/* epochs that were no better; -1: there was none at all */
	bool		moved;			/* the trainer is not what the file holds */
};

EasqStopping *
EasqStoppingCreate(EasqTrainer *trainer, int patience)
{
	EasqStopping *stopping = palloc0(sizeof(EasqStopping));

	stopping->trainer = trainer;
	stopping->patience = patience;
	stopping->since = -1;
	PrepareTempTablespaces();
	stopping->file = BufFileCreateTemp(false);
	return stopping;
}

bool
EasqStoppingKeep(EasqStopping *stopping, double accuracy)
{
	bool		better = stopping->since < 0 || accuracy > stopping->best;

	stopping->since = better ? 0 : stopping->since + 1;
	stopping->moved = !(better || accuracy == stopping->best);
	if (!better)
		EasqTrainerSlowDown(stopping->trainer, SLOWER);
	if (stopping->moved)
		return false;
	stopping->best = accuracy;
	EasqTrainerSave(stopping->trainer, stopping->file);
	return true;
}

bool
EasqStoppingIsDue(const EasqStopping *stopping)
{
	return stopping->since >= stopping->patience;
}

void
EasqStoppingEnd(EasqStopping *stopping)
{
	if (stopping->moved)
		EasqTrainerLoad(stopping->trainer, stopping->file);
	BufFileClose(stopping->file);
	pfree(stopping);
}
