#include "core/random.h"

#include "check.h"
#include "tests.h"

void
test_random(void)
{
	EasqRandom	random = {42};
	EasqRandom	again = {42};
	EasqRandom	zero = {0};
	double		sum = 0.0;
	double		squares = 0.0;
	int			bucket[7] = {0};
	const int	n = 70000;
	bool		inside = true;
	bool		same = true;

	check(EasqNext(&zero) == UINT64_C(0xe220a8397b1dcdaf), "splitmix64 of seed 0");
	check(EasqNext(&zero) == UINT64_C(0x6e789e6aa1b965f4), "splitmix64 of seed 0, second");
	for (int i = 0; i < n; i++)
	{
		double		u = EasqUniform(&random);

		same = same && u == EasqUniform(&again);
		inside = inside && u > 0.0 && u < 1.0;
		sum += u;
	}
	check(same, "a seed repeats");
	check(inside, "uniform is inside (0, 1)");
	check_near(sum / n, 0.5, 0.005, "uniform mean");
	for (int i = 0; i < n; i++)
		bucket[EasqBelow(&random, 7)]++;
	for (int i = 0; i < 7; i++)
		check_near(bucket[i], n / 7.0, 500.0, "buckets of EasqBelow");
	for (int i = 0; i < 100; i++)
		check(EasqBelow(&random, 1) == 0, "below 1 is 0");
	sum = 0.0;
	for (int i = 0; i < n; i++)
	{
		double		z = EasqNormal(&random);

		sum += z;
		squares += z * z;
	}
	check_near(sum / n, 0.0, 0.02, "normal mean");
	check_near(squares / n, 1.0, 0.03, "normal variance");
	check(EasqMix(1, 2) != EasqMix(2, 1) && EasqMix(0, 0) != EasqMix(0, 1) &&
		  EasqMix(0, 0) != EasqMix(1, 0), "mixing depends on both and on their order");
	end_group("random");
}
