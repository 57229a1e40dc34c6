#include <math.h>

#include "core/loss.h"

#include "check.h"
#include "tests.h"

void
test_losses(void)
{
	const float extreme[] = {-3e38f, -1e5f, -200.0f, -90.0f, -15.0f, 0.0f, 15.0f, 200.0f, 1e5f, 3e38f};
	const int	n = sizeof(extreme) / sizeof(extreme[0]);
	EasqMetrics metrics;
	double		dbias = 0.0;

	check_near(EasqLogSoftplus(-200.0), -200.0, 1e-12, "log softplus(-200)");
	check_near(EasqLogSoftplus(-1e6), -1e6, 1e-6, "log softplus(-1e6)");
	check_near(EasqLogSoftplus(0.0), log(log(2.0)), 1e-14, "log softplus(0)");
	check_near(EasqLogSoftplus(50.0), log(50.0), 1e-14, "log softplus(50)");
	for (double v = -40.0; v < -30.0; v += 0.01)
		check_near(EasqLogSoftplus(v), v - exp(v) / 2.0, 1e-13, "log softplus without a jump");
	check(isnan(EasqLogSoftplus(NAN)), "log softplus(NaN)");

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			float		d[4] = {0};
			double		loss = 0.0;

			loss += EasqPairwiseLoss(1, &extreme[i], &extreme[j], NULL, EASQ_ON_SCORE, 1.0, &d[0], &d[1], &dbias);
			loss += EasqPairwiseLoss(1, &extreme[i], &extreme[j], NULL, EASQ_ON_LOGIT, 1.0, &d[0], &d[1], &dbias);
			loss += EasqDpoLoss(1, &extreme[i], &extreme[j], &extreme[j], &extreme[i], NULL, 1.0, 1.0, 1.0,
								&d[0], &d[1], &dbias, &metrics);
			check(isfinite(loss) && isfinite(d[0]) && isfinite(d[1]) && d[0] <= 0.0f,
				  "no logit is too large or too small for a loss");
		}
	{
		float		hi = -200.0f;
		float		lo = -190.0f;
		float		d[2] = {0};

		check_near(EasqPairwiseLoss(1, &hi, &lo, NULL, EASQ_ON_SCORE, 1.0, &d[0], &d[1], &dbias), log(2.0), 1e-12,
				   "two scores of 0 are a tie");
		check(d[0] == 0.0f && d[1] == 0.0f, "a gradient that underflows is 0");
	}
	{
		float		y[6] = {1.0f, 2.0f, 3.0f, -1.0f, 0.5f, 9.0f};
		float		d[6] = {0};

		/* agreement is rest, up to the entropy of the target */
		EasqDistilLoss(3, y, y, 1.0, d);
		for (int i = 0; i < 6; i++)
			check_near(d[i], 0.0, 1e-9, "distillation rests where both agree");
		check(EasqDistilLoss(1, y, y + 2, 1.0, d) == 0.0 && d[0] == 0.0f, "one pair has no neighbour");
		EasqKeepLoss(3, y, y, 1.0, d);
		for (int i = 0; i < 6; i++)
			check_near(d[i], 0.0, 1e-9, "what is kept is where rehearsal rests");
		check(EasqKeepLoss(0, y, y, 1.0, d) == 0.0, "nothing to keep");
	}
	end_group("losses");
}
