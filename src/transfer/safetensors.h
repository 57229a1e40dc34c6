/*
 * The safetensors format: 8 bytes of header length, a JSON header, raw data.
 * Reading trusts nothing: every length is checked against the file before it
 * is used, and the tensors must tile the data without gap or overlap.
 */
#ifndef EASQ_SAFETENSORS_H
#define EASQ_SAFETENSORS_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#define EASQ_MAX_TENSOR_DIMS 8

typedef struct EasqFileTensor
{
	char	   *name;
	int			ndim;
	int64		dim[EASQ_MAX_TENSOR_DIMS];
	int64		count;			/* numbers */
	int64		begin;			/* bytes from the start of the data */
	bool		used;			/* for the caller */
} EasqFileTensor;

typedef struct EasqFile
{
	int			count;
	EasqFileTensor *tensor;		/* by name */
	Jsonb	   *metadata;		/* an object of strings, or NULL */
	const char *data;			/* may be at any alignment */
	int64		length;
} EasqFile;

/* Bytes of a tensor's name that messages show: embedding.<feature>.weight is not clipped. */
#define EASQ_TENSOR_QUOTED 100

/*
 * ERROR 22023 where the bytes are no safetensors file of float32 tensors, 54000
 * where they are one that no model can have: time and memory are bounded
 * before the header is parsed, whatever stands in it.
 */
extern EasqFile *EasqFileParse(const char *bytes, int64 length);

extern EasqFileTensor *EasqFileFind(const EasqFile *file, const char *name);

/* A string of the metadata; NULL where it is not there. */
extern char *EasqFileMetadata(const EasqFile *file, const char *key);

/* JSON without a key that is there twice in its object; NULL, and what is wrong ("is not JSON"), where it is not. */
extern Jsonb *EasqFileJson(char *text, const char **problem);

/* Writing, in two passes: all headers, then all data in the same order. */
typedef struct EasqFileWriter
{
	StringInfoData header;
	int64		offset;
	bytea	   *file;
	char	   *at;
} EasqFileWriter;

extern void EasqFileWriterInit(EasqFileWriter *writer);
extern void EasqFileWriterMetadata(EasqFileWriter *writer, const char *key, const char *value, bool first, bool last);
extern void EasqFileWriterTensor(EasqFileWriter *writer, const char *name, int ndim, const int64 *dim);
/* ERROR 54000 where the file would be too large for a bytea. */
extern void EasqFileWriterBeginData(EasqFileWriter *writer);
extern void EasqFileWriterData(EasqFileWriter *writer, const float *data, size_t count);

#endif
