/*
 * A program that forks its workers after the metrics were made.
 *
 * A child has a copy of its parent's counts; meter_after_fork_in_child() makes it start at zero, so
 * that nothing is counted twice. Each process writes a page of its own for node_exporter's textfile
 * collector, told apart by a label; the parent writes one, too.
 *
 * usage: prefork FOLDER
 */
#include <meter.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 3
#define JOBS 1000

static struct meter *meter;
static struct meter_family *jobs;

static int write_page(const char *folder, const char *process)
{
    struct meter_error error;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.prom", folder, process);
    if (meter_write_textfile(meter, path, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    return 0;
}

static int run_child(const char *folder, int number)
{
    char process[24];
    snprintf(process, sizeof process, "child%d", number);
    meter_after_fork_in_child(meter);
    /* The series that the parent made are here too, at zero: this process says only its own. */
    (void)meter_remove_all(jobs);
    struct meter_counter *done = meter_counter_get(jobs, METER_LABELS(process));
    for (int i = 0; i < JOBS * (number + 1); i++) {
        meter_counter_inc(done);
    }
    return write_page(folder, process);
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 2) {
        fprintf(stderr, "usage: prefork FOLDER\n");
        return 2;
    }
    struct meter_error error;
    meter = meter_new(NULL);
    jobs = meter_register(meter,
                          &(struct meter_description){
                              .type = METER_COUNTER,
                              .name = "jobs_total",
                              .help = "Jobs ended, by process.",
                              .labels = METER_LABELS("process"),
                          },
                          &error);
    if (jobs == NULL) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    meter_counter_add(meter_counter_get(jobs, METER_LABELS("parent")), 5);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(run_child(arguments[1], i));
        }
        if (child < 0) {
            return 1;
        }
    }
    int failures = 0;
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        failures += wait(&status) < 0 || status != 0;
    }
    failures += write_page(arguments[1], "parent");
    meter_free(meter);
    return failures > 0 ? 1 : 0;
}
