global using FastVcpu.Tests;
global using Xunit;
global using static Iced.Intel.AssemblerRegisters;
