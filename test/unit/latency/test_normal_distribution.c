#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "latency/normal_distribution.h"

#include <math.h>

/* cmocka's assert_float_equal compares as float, with seven digits. */
static void assert_close(double is, double wanted, double tolerance)
{
    if (!(fabs(is - wanted) <= tolerance)) {
        fail_msg("%.17g is not %.17g", is, wanted);
    }
}

/* From Python's statistics.NormalDist().inv_cdf. */
static void gives_known_quantiles(void **state)
{
    (void)state;
    static const struct {
        double p, z;
    } cases[] = {
        {0.5, 0.0},
        {0.6, 0.2533471031357998},
        {0.75, 0.6744897501960817},
        {0.9, 1.2815515655446008},
        {0.925, 1.439531470938456},
        {0.95, 1.6448536269514715},
        {0.99, 2.3263478740408408},
        {0.999, 3.090232306167813},
        {0.9999999, 5.199337582290662},
        {0.1, -1.2815515655446008},
        {0.01, -2.3263478740408408},
        {0.001, -3.090232306167813},
        {1e-06, -4.753424308822899},
        {1e-10, -6.361340902404056},
        {1e-12, -7.034483825301132},
        {1e-15, -7.941345326170995},
        {1e-50, -14.933337534788489},
        {1e-200, -30.205594179579634},
        {1e-300, -37.0470962993612},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        double z = normal_quantile(cases[i].p);
        if (fabs(z - cases[i].z) > 1e-14 * fmax(1, fabs(cases[i].z))) {
            fail_msg("p %g: %.17g, expected %.17g", cases[i].p, z, cases[i].z);
        }
    }
    assert_true(isinf(normal_quantile(0)) && normal_quantile(0) < 0);
    assert_true(isinf(normal_quantile(1)) && normal_quantile(1) > 0);
}

/* In the lower tail no digits are lost, so the two must invert each other there. */
static void quantile_inverts_cdf(void **state)
{
    (void)state;
    for (double z = -37; z <= 5; z += 0.125) {
        double back = normal_quantile(normal_cdf(z));
        double tolerance = z < 0 ? 1e-13 * fmax(1, -z) : 1e-16 / normal_density(z) + 1e-13;
        if (fabs(back - z) > tolerance) {
            fail_msg("z %g: %.17g", z, back);
        }
    }
}

static void density_is_the_slope_of_the_cdf(void **state)
{
    (void)state;
    for (double z = -5; z <= 5; z += 0.25) {
        double slope = (normal_cdf(z + 1e-5) - normal_cdf(z - 1e-5)) / 2e-5;
        assert_close(slope, normal_density(z), 1e-8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_known_quantiles),
        cmocka_unit_test(quantile_inverts_cdf),
        cmocka_unit_test(density_is_the_slope_of_the_cdf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
