/*
 * What a run leaves behind: tables in Markdown, curves in SVG.
 */
#ifndef STUDY_REPORT_H
#define STUDY_REPORT_H

#include "statistics.h"

/* NAME.md, NAME-curves.svg and NAME-shares.svg in folder. */
extern void ReportTest(const Runs *runs, const Choices chosen, const char *folder, const char *name);
/* alignments.md: each setting of each form, on validation. */
extern void ReportAlignments(const Runs *runs, const char *folder);

#endif
