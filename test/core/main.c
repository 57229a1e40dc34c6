/*
 * Tests of src/core against the reference's golden cases, finite differences
 * and plain arithmetic.  Run from the top of the tree, or name the folder of
 * the golden cases:  test/results/core_test [test/golden]
 *
 * The objects under test are those that are shipped.  What is compiled for
 * several levels of instructions is tested at each that the processor has.
 */
#include <stdio.h>

#include "core/level.h"

#include "check.h"
#include "golden.h"
#include "tests.h"

int
main(int argc, char **argv)
{
	int			count;
	const EasqLevel *levels;

	if (argc > 1)
		golden_folder = argv[1];
	test_random();
	test_shape();
	test_levels();
	test_losses();
	test_metrics();
	test_budget();
	test_beliefs();
	test_factors();
	test_shapley();
	levels = EasqLevels(&count);
	for (int i = 0; i < count; i++)
	{
		printf("level %s\n", levels[i].name);
		EasqUseLevel(&levels[i]);
		test_kernel();
		test_scorer();
		test_steps();
		test_gradients();
	}
	return end_checks();
}
