/*
 * Tests of src/core against the reference's golden cases, finite differences
 * and plain arithmetic.  Run from the top of the tree, or name the folder of
 * the golden cases:  test/results/core_test [test/golden]
 *
 * The objects under test are those that are shipped.
 */
#include "check.h"
#include "golden.h"
#include "tests.h"

int
main(int argc, char **argv)
{
	if (argc > 1)
		golden_folder = argv[1];
	test_random();
	test_shape();
	test_kernel();
	test_losses();
	test_scorer();
	test_steps();
	test_gradients();
	test_metrics();
	test_budget();
	test_factors();
	return end_checks();
}
