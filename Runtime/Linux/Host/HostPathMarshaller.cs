using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace FastVcpu.Linux.Host;

/// <summary>
/// Passes a path to libc. Paths are byte strings in Linux; here they are strings with one character for each byte, so that names that are
/// not valid UTF-8 survive (see <see cref="Files.PathText"/>).
/// </summary>
[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(In))]
static class HostPathMarshaller
{
    public unsafe ref struct In
    {
        public static int BufferSize => 256;

        byte* _native;
        bool _allocated;

        public void FromManaged(string path, Span<byte> buffer)
        {
            int size = path.Length + 1;
            _allocated = size > buffer.Length;
            _native = _allocated
                ? (byte*)NativeMemory.Alloc((nuint)size)
                : (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer));
            Span<byte> target = new(_native, size);
            Files.PathText.ToBytes(path, target);
            target[^1] = 0;
        }

        public readonly byte* ToUnmanaged() => _native;

        public readonly void Free()
        {
            if (_allocated)
            {
                NativeMemory.Free(_native);
            }
        }
    }
}
