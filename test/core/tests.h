/* One function for each subject. */
#ifndef TESTS_H
#define TESTS_H

extern void test_random(void);
extern void test_shape(void);
extern void test_levels(void);
extern void test_kernel(void);
extern void test_losses(void);
extern void test_scorer(void);
extern void test_steps(void);
extern void test_gradients(void);
extern void test_metrics(void);
extern void test_budget(void);
extern void test_beliefs(void);
extern void test_factors(void);
extern void test_shapley(void);

#endif
