namespace FastVcpu.Linux.Abi;

/// <summary>Error numbers of the generic Linux ABI, the same on every host and guest here. A handler returns them negated.</summary>
static class Errno
{
    public const int EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, E2BIG = 7, ENOEXEC = 8, EBADF = 9, ECHILD = 10;
    public const int EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, EBUSY = 16, EEXIST = 17, EXDEV = 18, ENODEV = 19, ENOTDIR = 20;
    public const int EISDIR = 21, EINVAL = 22, EMFILE = 24, ENOTTY = 25, EFBIG = 27, ESPIPE = 29, EROFS = 30, EPIPE = 32, ERANGE = 34;
    public const int ENAMETOOLONG = 36, ENOSYS = 38, ENOTEMPTY = 39, ELOOP = 40, ENODATA = 61, EOVERFLOW = 75, ELIBBAD = 80;
    public const int ENOTSOCK = 88, EOPNOTSUPP = 95, EAFNOSUPPORT = 97, EISCONN = 106, ENOTCONN = 107, ETIMEDOUT = 110, ECONNREFUSED = 111;

    /// <summary>Inside the library only: restart the call unless a handler without SA_RESTART runs (include/linux/errno.h).</summary>
    public const int ERESTARTSYS = 512;
    /// <summary>Inside the library only: restart the call unless any handler runs.</summary>
    public const int ERESTARTNOHAND = 514;

    /// <summary>Inside the library only: the call would wait; another thread takes its turn, and the call is made again at the next turn of this one.</summary>
    public const int EWAIT = 1000;

    /// <summary>The symbolic name, for traces.</summary>
    public static string Name(int errno) => errno switch
    {
        EPERM => "EPERM",
        ENOENT => "ENOENT",
        ESRCH => "ESRCH",
        EINTR => "EINTR",
        EIO => "EIO",
        ENXIO => "ENXIO",
        E2BIG => "E2BIG",
        ENOEXEC => "ENOEXEC",
        EBADF => "EBADF",
        ECHILD => "ECHILD",
        EAGAIN => "EAGAIN",
        ENOMEM => "ENOMEM",
        EACCES => "EACCES",
        EFAULT => "EFAULT",
        EBUSY => "EBUSY",
        EEXIST => "EEXIST",
        EXDEV => "EXDEV",
        ENODEV => "ENODEV",
        ENOTDIR => "ENOTDIR",
        EISDIR => "EISDIR",
        EINVAL => "EINVAL",
        EMFILE => "EMFILE",
        ENOTTY => "ENOTTY",
        EFBIG => "EFBIG",
        ESPIPE => "ESPIPE",
        EROFS => "EROFS",
        EPIPE => "EPIPE",
        ERANGE => "ERANGE",
        ENAMETOOLONG => "ENAMETOOLONG",
        ENOSYS => "ENOSYS",
        ENOTEMPTY => "ENOTEMPTY",
        ELOOP => "ELOOP",
        ENODATA => "ENODATA",
        EOVERFLOW => "EOVERFLOW",
        ELIBBAD => "ELIBBAD",
        ENOTSOCK => "ENOTSOCK",
        EOPNOTSUPP => "EOPNOTSUPP",
        EAFNOSUPPORT => "EAFNOSUPPORT",
        ENOTCONN => "ENOTCONN",
        ECONNREFUSED => "ECONNREFUSED",
        EISCONN => "EISCONN",
        ETIMEDOUT => "ETIMEDOUT",
        ERESTARTSYS => "ERESTARTSYS",
        ERESTARTNOHAND => "ERESTARTNOHAND",
        EWAIT => "EWAIT",
        _ => $"errno {errno}",
    };
}
