/*
 * The standard normal distribution. Pure functions, any thread.
 */
#pragma once

/* P(Z <= z), to about a double's precision in the lower tail too. */
double normal_cdf(double z);

/* The density at z. */
double normal_density(double z);

/*
 * The z with normal_cdf(z) = p, for p in [0, 1] (infinite at its ends); relative error about 1e-16:
 * algorithm AS 241, PPND16, of Wichura, "The Percentage Points of the Normal Distribution",
 * Applied Statistics 37 (1988), p. 477.
 */
double normal_quantile(double p);
