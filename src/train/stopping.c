#include "postgres.h"

#include "commands/tablespace.h"
#include "storage/buffile.h"

#include "train/stopping.h"

struct EasqStopping
{
	EasqTrainer *trainer;
	int			patience;
	BufFile    *file;
	double		best;
	int			since;			/* epochs after the best; -1: there is none yet */
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
	if (stopping->since >= 0 && !(accuracy > stopping->best))
	{
		stopping->since++;
		return false;
	}
	stopping->best = accuracy;
	stopping->since = 0;
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
	if (stopping->since > 0)
		EasqTrainerLoad(stopping->trainer, stopping->file);
	BufFileClose(stopping->file);
	pfree(stopping);
}
