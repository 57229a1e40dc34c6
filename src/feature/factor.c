#include "postgres.h"

#include "core/factor.h"
#include "feature/factor.h"
#include "feature/kind.h"

struct EasqFactors
{
	const EasqSpec *spec;
	int			count;			/* features that have factors */
	int			dim;			/* 1 + factors */
	const float **part;			/* [count] */
	float	   *scale;			/* [count] */
	float	   *mean;			/* [count, dim] */
	float	   *sum;			/* [dim] */
	float	   *gradient;		/* [dim] */
};

EasqFactors *
EasqFactorsCreate(const EasqSpec *spec)
{
	EasqFactors *factors;
	int			count = 0;

	for (int i = 0; i < spec->count; i++)
		count += spec->feature[i].factor >= 0;
	if (count == 0)
		return NULL;
	factors = palloc(sizeof(EasqFactors));
	factors->spec = spec;
	factors->count = count;
	factors->dim = 1 + spec->factors;
	factors->part = palloc(sizeof(float *) * count);
	factors->scale = palloc(sizeof(float) * count);
	factors->mean = palloc(sizeof(float) * count * factors->dim);
	factors->sum = palloc(sizeof(float) * factors->dim);
	factors->gradient = palloc(sizeof(float) * factors->dim);
	return factors;
}

float
EasqFactorOffset(EasqFactors *factors, const EasqEncoding *encoding, const char *example, const float *x)
{
	const char *at = example;
	int			i = 0;

	if (factors == NULL)
		return 0;
	for (const EasqFeature *feature = factors->spec->feature; i < factors->count; feature++)
	{
		const EasqKindEntry *kind = EasqKinds[feature->kind];

		if (feature->factor >= 0)
		{
			kind->factor(feature, encoding->table[feature->factor], at, x + feature->offset,
						 factors->mean + (size_t) i * factors->dim, &factors->part[i], &factors->scale[i]);
			i++;
		}
		at = EasqSkipFeature(feature, at);
	}
	return EasqFactorLogit(factors->count, factors->spec->factors, factors->part, factors->scale, factors->sum);
}

/* A member of a feature on its way from the kind's visit to the caller's. */
typedef struct Member
{
	int			table;
	const float *gradient;
	EasqVisitFactor visit;
	void	   *arg;
} Member;

static void
visit_member(int table pg_attribute_unused(), int64 row, float share, int offset pg_attribute_unused(), void *arg)
{
	Member	   *member = arg;

	member->visit(member->table, row, share, member->gradient, member->arg);
}

void
EasqFactorVisit(EasqFactors *factors, const EasqEncoding *encoding, const char *example, const float *x,
				float gradient, EasqVisitFactor visit, void *arg)
{
	const char *at = example;
	int			i = 0;

	(void) EasqFactorOffset(factors, encoding, example, x);
	for (const EasqFeature *feature = factors->spec->feature; i < factors->count; feature++)
	{
		const EasqKindEntry *kind = EasqKinds[feature->kind];

		if (feature->factor >= 0)
		{
			Member		member = {feature->factor, factors->gradient, visit, arg};

			EasqFactorGradient(factors->spec->factors, factors->part[i], factors->scale[i], factors->sum, gradient,
							   factors->gradient);
			/* The members of a feature are those of its embedding; else there is one row. */
			if (kind->visit)
				kind->visit(feature, at, visit_member, &member);
			else
				visit_member(0, 0, factors->scale[i], 0, &member);
			i++;
		}
		at = EasqSkipFeature(feature, at);
	}
}
