#include <stddef.h>

#include "core/shapley.h"

/* The share of orders in which a certain member comes right after so many certain others: others! (n - others - 1)! / n! */
static double
weight_behind(int n, int others)
{
	double		weight = 1.0 / n;

	for (int j = 1; j <= others; j++)
		weight *= (double) j / (n - j);
	return weight;
}

void
EasqShapley(int n, const double *value, double *share)
{
	for (int i = 0; i < n; i++)
		share[i] = 0;
	for (size_t set = 0; set < (size_t) 1 << n; set++)
	{
		int			others = __builtin_popcountll(set);
		double		weight = others < n ? weight_behind(n, others) : 0;

		for (int i = 0; i < n; i++)
			if (!(set >> i & 1))
				share[i] += weight * (value[set | (size_t) 1 << i] - value[set]);
	}
}

void
EasqShapleyOfOrder(int n, const int *order, const double *value, double *share)
{
	for (int place = 0; place < n; place++)
		share[order[place]] += value[place + 1] - value[place];
}

void
EasqDrawOrder(EasqRandom *random, int n, int *order)
{
	for (int i = 0; i < n; i++)
	{
		int			j = (int) EasqBelow(random, (uint64_t) i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}
