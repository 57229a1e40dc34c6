/*
 * Shapley values: of functions whose shares are known, against the mean over all orders, and of drawn orders.
 */
#include <math.h>

#include "core/random.h"
#include "core/shapley.h"

#include "check.h"
#include "tests.h"

#define N 5

/* Weights of their own, 3 for the first two together, and one that does nothing. */
static double
game(unsigned set)
{
	static const double weight[N] = {1, -2, 0.5, 0, 4};
	double		value = 7;

	for (int i = 0; i < N; i++)
		if (set >> i & 1)
			value += weight[i];
	return (set & 3) == 3 ? value + 3 : value;
}

static void
test_shares_of_a_game(void)
{
	static const double expected[N] = {2.5, -0.5, 0.5, 0, 4};
	double		value[1 << N];
	double		share[N];

	for (unsigned set = 0; set < 1 << N; set++)
		value[set] = game(set);
	EasqShapley(N, value, share);
	for (int i = 0; i < N; i++)
		check_near(share[i], expected[i], 1e-12, "share");
	EasqShapley(1, value, share);
	check_near(share[0], 1, 1e-12, "one member has all of it");
}

/* Every order adds up to f(all) - f(none); their mean goes to the Shapley values. */
static void
test_shares_of_orders(void)
{
	EasqRandom	random = {1};
	double		value[1 << N];
	double		exact[N];
	double		share[N] = {0};
	int			orders = 20000;

	for (unsigned set = 0; set < 1 << N; set++)
		value[set] = sin(3.0 * set) + (set & 9) * 0.1;
	EasqShapley(N, value, exact);
	for (int n = 0; n < orders; n++)
	{
		double		along[N + 1];
		double		one[N] = {0};
		double		sum = 0;
		int			order[N];
		unsigned	set = 0;

		EasqDrawOrder(&random, N, order);
		along[0] = value[0];
		for (int place = 0; place < N; place++)
		{
			set |= 1u << order[place];
			along[place + 1] = value[set];
		}
		check(set == (1 << N) - 1, "an order has every member once");
		EasqShapleyOfOrder(N, order, along, one);
		for (int i = 0; i < N; i++)
		{
			sum += one[i];
			share[i] += one[i] / orders;
		}
		check_near(sum, value[(1 << N) - 1] - value[0], 1e-12, "sum of order");
	}
	for (int i = 0; i < N; i++)
		check_near(share[i], exact[i], 0.03, "share by drawn orders");
}

void
test_shapley(void)
{
	test_shares_of_a_game();
	test_shares_of_orders();
	end_group("shapley");
}
