/* Line plots in SVG. */
#ifndef STUDY_PLOT_H
#define STUDY_PLOT_H

#include <stdbool.h>

#define PLOT_POINTS 16

typedef struct PlotLine
{
	const char *title;
	bool		bold;
	int			points;
	double		x[PLOT_POINTS];
	double		y[PLOT_POINTS];
} PlotLine;

typedef struct Plot
{
	const char *title;
	const char *x_title;
	const char *y_title;
	bool		percent;		/* ticks of x */
	bool		logarithmic;	/* x */
	double		x_min;
	double		x_max;
	int			ticks;
	double		tick[8];
} Plot;

/* Lines are cut at x_max; y spans what is shown. */
extern void PlotWrite(const char *path, const Plot *plot, int lines, const PlotLine *line);

#endif
