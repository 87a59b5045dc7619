Console.WriteLine("quorate");
