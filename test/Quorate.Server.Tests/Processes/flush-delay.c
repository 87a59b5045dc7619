/*
 * Delays the flushes of a process: cc -shared -fPIC -o flush-delay.so flush-delay.c -ldl
 * Start the process with LD_PRELOAD=flush-delay.so and QUORATE_FLUSH_DELAY=FILE. While FILE contains a number, each
 * fdatasync takes that many milliseconds longer; the file may change at any time. Without the file, nothing is delayed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long delay_ms(void)
{
    char text[16] = {0};
    const char *path = getenv("QUORATE_FLUSH_DELAY");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 ? atol(text) : 0;
}

int fdatasync(int file)
{
    static int (*next)(int);
    long ms = delay_ms();
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    if (!next)
        next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    while (ms > 0 && nanosleep(&left, &left) != 0)
        ;
    return next(file);
}
