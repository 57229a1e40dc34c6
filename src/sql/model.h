/*
 * Defining models, for easq_create_model and for easq_import alike.
 */
#ifndef EASQ_SQL_MODEL_H
#define EASQ_SQL_MODEL_H

#include "store/model.h"

/* A model of these features and options, checked, owned by the caller, not stored yet. */
extern EasqModel *EasqDefineModel(const char *name, Jsonb *features, Jsonb *options);

#endif
