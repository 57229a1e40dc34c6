#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LEFT 70.0
#define TOP 40.0
#define WIDTH 520.0
#define HEIGHT 360.0
#define LEGEND 330.0

static const char *const colours[] = {
	"#888888", "#bbbbbb", "#1f77b4", "#17becf", "#9467bd", "#8c564b", "#d62728", "#2ca02c", "#bcbd22", "#e377c2", "#7f7f7f"
};

typedef struct Scale
{
	const Plot *plot;
	double		y_min;
	double		y_max;
} Scale;

static double
along(const Plot *plot, double x)
{
	if (plot->logarithmic)
		return (log(x) - log(plot->x_min)) / (log(plot->x_max) - log(plot->x_min));
	return (x - plot->x_min) / (plot->x_max - plot->x_min);
}

static double
place_x(const Scale *scale, double x)
{
	return LEFT + WIDTH * along(scale->plot, x);
}

static double
place_y(const Scale *scale, double y)
{
	return TOP + HEIGHT * (1.0 - (y - scale->y_min) / (scale->y_max - scale->y_min));
}

static bool
inside(const Plot *plot, double x)
{
	return x >= plot->x_min && x <= plot->x_max;
}

static Scale
find_scale(const Plot *plot, int lines, const PlotLine *line)
{
	Scale		scale = {plot, INFINITY, -INFINITY};

	for (int i = 0; i < lines; i++)
		for (int j = 0; j < line[i].points; j++)
			if (inside(plot, line[i].x[j]))
			{
				scale.y_min = fmin(scale.y_min, line[i].y[j]);
				scale.y_max = fmax(scale.y_max, line[i].y[j]);
			}
	scale.y_min = floor(scale.y_min * 100.0) / 100.0;
	scale.y_max = ceil(scale.y_max * 100.0) / 100.0;
	return scale;
}

static void
write_axes(FILE *file, const Scale *scale)
{
	const Plot *plot = scale->plot;

	fprintf(file, "<text x=\"%g\" y=\"20\" font-size=\"14\">%s</text>\n", LEFT, plot->title);
	for (int i = 0; i < plot->ticks; i++)
	{
		double		x = place_x(scale, plot->tick[i]);

		fprintf(file, "<line x1=\"%.1f\" y1=\"%g\" x2=\"%.1f\" y2=\"%g\" stroke=\"#eeeeee\"/>\n", x, TOP, x, TOP + HEIGHT);
		fprintf(file, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%g%s</text>\n", x, TOP + HEIGHT + 16.0,
				plot->percent ? 100.0 * plot->tick[i] : plot->tick[i], plot->percent ? " %" : "");
	}
	for (double y = scale->y_min; y < scale->y_max + 0.001; y += 0.01)
	{
		fprintf(file, "<line x1=\"%g\" y1=\"%.1f\" x2=\"%g\" y2=\"%.1f\" stroke=\"#eeeeee\"/>\n",
				LEFT, place_y(scale, y), LEFT + WIDTH, place_y(scale, y));
		fprintf(file, "<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>\n", LEFT - 6.0, place_y(scale, y) + 4.0, y);
	}
	fprintf(file, "<text x=\"%g\" y=\"%g\" text-anchor=\"middle\">%s</text>\n", LEFT + WIDTH / 2.0, TOP + HEIGHT + 36.0, plot->x_title);
	fprintf(file, "<text transform=\"translate(18 %g) rotate(-90)\" text-anchor=\"middle\">%s</text>\n", TOP + HEIGHT / 2.0, plot->y_title);
}

static void
write_line(FILE *file, const Scale *scale, int number, const PlotLine *line)
{
	const char *colour = colours[number % (int) (sizeof(colours) / sizeof(colours[0]))];
	double		row = TOP + 10.0 + 20.0 * number;
	double		x = LEFT + WIDTH + 20.0;

	fprintf(file, "<g stroke=\"%s\" fill=\"%s\">\n", colour, colour);
	fprintf(file, "<polyline clip-path=\"url(#area)\" fill=\"none\" stroke-width=\"%g\" points=\"", line->bold ? 3.0 : 1.5);
	for (int i = 0; i < line->points; i++)
		fprintf(file, "%.1f,%.1f ", place_x(scale, line->x[i]), place_y(scale, line->y[i]));
	fprintf(file, "\"/>\n");
	for (int i = 0; i < line->points; i++)
		if (inside(scale->plot, line->x[i]))
			fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", place_x(scale, line->x[i]), place_y(scale, line->y[i]));
	fprintf(file, "<line x1=\"%g\" y1=\"%g\" x2=\"%g\" y2=\"%g\" stroke-width=\"%g\"/>\n</g>\n", x, row, x + 24.0, row, line->bold ? 3.0 : 1.5);
	fprintf(file, "<text x=\"%g\" y=\"%g\">%s</text>\n", x + 30.0, row + 4.0, line->title);
}

void
PlotWrite(const char *path, const Plot *plot, int lines, const PlotLine *line)
{
	Scale		scale = find_scale(plot, lines, line);
	FILE	   *file = fopen(path, "w");

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" font-family=\"sans-serif\" font-size=\"11\">\n",
			LEFT + WIDTH + LEGEND, TOP + HEIGHT + 50.0);
	fprintf(file, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n");
	fprintf(file, "<clipPath id=\"area\"><rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/></clipPath>\n", LEFT, TOP, WIDTH, HEIGHT);
	write_axes(file, &scale);
	for (int i = 0; i < lines; i++)
		write_line(file, &scale, i, &line[i]);
	fprintf(file, "</svg>\n");
	fclose(file);
}
