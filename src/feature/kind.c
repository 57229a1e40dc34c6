#include "postgres.h"

#include "feature/kind.h"

const EasqKindEntry *const EasqKinds[EASQ_KINDS] = {
	[EASQ_NUMERIC] = &EasqNumericKind,
	[EASQ_CATEGORICAL] = &EasqCategoricalKind,
	[EASQ_VECTOR] = &EasqVectorKind,
};
